import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  type Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize';

export interface User extends Model<InferAttributes<User>, InferCreationAttributes<User>> {
  id: CreationOptional<number | string>;
  email: string;
  password_hash: string;
  name: string;
  created_at: Date;
  updated_at: Date;
}

export interface Product extends Model<InferAttributes<Product>, InferCreationAttributes<Product>> {
  id: CreationOptional<number | string>;
  title: string;
  price: string;
  stock: number;
}

export interface Models {
  User: ModelStatic<User>;
  Product: ModelStatic<Product>;
}

const id = { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true };

/** The tables that are read and written one row at a time; what a purchase touches is written as SQL (claims, orders). */
export const defineModels = (sequelize: Sequelize): Models => ({
  User: sequelize.define<User>('users', {
    id,
    email: DataTypes.STRING,
    password_hash: DataTypes.STRING,
    name: DataTypes.STRING,
    created_at: DataTypes.DATE(3),
    updated_at: DataTypes.DATE(3),
  }),
  Product: sequelize.define<Product>('products', {
    id,
    title: DataTypes.STRING,
    price: DataTypes.DECIMAL(10, 2),
    stock: DataTypes.INTEGER,
  }),
});
